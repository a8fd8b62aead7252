"""What runs inside the sandbox, beside the student's code, under the student's Python (3.6 to 3.13); the grader imports none of it.

Standard library, and of the environment what the platform's own server has: numpy, joblib. ``server.py CONFIG.json`` speaks HTTP/1.1
on file descriptor 3. All of it shares a process with the student's code, so nothing of what it says is believed: it can
only answer requests.
"""
