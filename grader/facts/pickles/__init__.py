"""Pickles, read without running them: bytes in, a graph of inert stand-ins out.

``source`` brings bytes in, bounded and unpacked; ``machine`` runs the opcodes on stand-ins (``nodes``); ``names`` says
what a name would do; ``summary`` tells what the graph is a model of. Nothing is imported, no constructor is called.
"""
