"""Proves exercises on real sandboxes, as a student would find them: through lifecycle, a terminal and the graders.

cases     what is to be tried of an exercise
student   a made-up student with a sandbox of their own for one case
typist    types commands into a terminal
trial     carries a case out: type, grade, compare
ledger    which exercises have been proven as they are now, and which are due
report    what is said of it all
walk      types the commands of a lesson's text and compares what they answer
screen    what a terminal shows of what it is sent
"""
