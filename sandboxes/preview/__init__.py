"""Published ports seen in the browser: docs/adr/0012-vistas-previas.md.

place.py where a preview is served · grants.py who may see it · headers.py what may pass · proxy.py carries it ·
ports.py what is published · views.py the platform's side. It serves nothing under the platform's own host name.
"""
