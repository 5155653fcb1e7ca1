"""A kit for trainers that learn by steps: what every one of them needs besides its model.

* :mod:`~proofsearch.trainers.searches`: which recorded searches may be learnt from, the one place that keeps the split
  ``test`` out;
* :mod:`~proofsearch.trainers.settings`: whether a training may be resumed with these options, or is done already;
* :mod:`~proofsearch.trainers.stepping`: steps, validations and saves, until there is a reason to stop;
* :mod:`~proofsearch.trainers.progress`: what a person is told, and how often;
* :mod:`~proofsearch.trainers.state`: what a training is resumed from;
* :mod:`~proofsearch.trainers.tensors`: arrays in safetensors files, and the checkpoint that replaces an older one;
* :mod:`~proofsearch.trainers.schedule`: the learning rate.

No learning library is imported here: arrays are NumPy's, and where an optimiser or a number of threads is meant, the
caller hands over the object of its library.
"""
