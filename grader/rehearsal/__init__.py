"""Would this deployment have worked? An environment, a sandbox, the serving contract, and a probe outside of it.

============ =====================================================================================================
what         ``plan``: ``onsagemaker``, ``ongoogle`` (``laid``), which ``versions``, what is ``shipped``, ``stage``
where        ``environment``: ``pythons``, ``companions``, ``solving``, ``versioning``, ``installer``, ``bytecode``,
             ``proof``, ``requirements``, ``cache``, ``settings``
within what  ``sandbox``: ``finding``, ``bubblewrap``, ``seccomp``, ``plain``, ``running``, ``watch``; ``job``
asked how    ``inside/`` runs within, under the student's Python; ``probe`` (``exchange``) asks from outside
all of it    ``rehearse``
============ =====================================================================================================
"""
