"""Many episodes served to other processes, over WebSockets.

The server itself runs no prover. It keeps who is connected and which session is where, and passes requests on to worker
processes, each of which has the environment open and steps its sessions one after another. A worker that takes too
long or too much memory is killed and replaced, and its sessions go on in the new one, by replaying their tactics; only
the session whose tactic it was is ended.

=============== ====================================================================================
``messages``    what clients send and get: the messages of OpenEnv, and ``many`` of them at once
``settings``    the bounds, all of them
``worker``      a worker process
``links``       the server's side of one
``sessions``    one episode as the server knows it
``connections`` one client
``server``      listening, the token, what can be asked by plain HTTP
``background``  a server in a thread
=============== ====================================================================================
"""
