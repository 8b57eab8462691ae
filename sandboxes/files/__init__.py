"""The files of a student's home in the browser: docs/adr/0015-archivos.md.

workspace.py reads and writes them · findings.py what is wrong with a text · streams.py downloads, and a word at each
change · views.py all of it over HTTP. Everything is done as `alumno`, by the machine's own programs.
"""
