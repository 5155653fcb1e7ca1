"""Reinforcement learning over any prover of proofsearch.

:class:`proofsearch_rl.episode.Episode` is the core: a theorem that is proved tactic by tactic, with a reward that only
an independent check can give. :mod:`proofsearch_rl.gym`, :mod:`proofsearch_rl.openenv` and
:mod:`proofsearch_rl.taskset` put it behind the interfaces of Gymnasium, OpenEnv and verifiers;
:mod:`proofsearch_rl.serving` serves many episodes to other processes, and :mod:`proofsearch_rl.client` talks to it.
"""
