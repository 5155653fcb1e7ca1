"""Training losses, one a file, each with its formula and its reference.

A loss is called with energies, shape ``(groups, members)``, **lower is better**, and a
:class:`~proofsearch_ebm.batch.GroupBatch`; it returns a scalar. A third party's is no different: it is registered with
``register_losses`` and asked for by name, ``--ebm-loss NAME:WEIGHT``.

The files use the tensors' own methods and import torch for type checkers only: their configurations are read for
``proofsearch plugins list`` too.
"""
