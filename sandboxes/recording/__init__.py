"""Recordings of terminals: what their screens showed, never what was typed (students type passwords).

cast.py     one recording being made: asciicast v3, buffered, rationed, capped
tape.py     who is recorded, and the row of each recording
marks.py    the commands in it, and what happened in the engine and to the checks on the same clock
views.py    the list, the player's page, the file, and the student's choice
"""
