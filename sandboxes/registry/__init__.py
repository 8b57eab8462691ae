"""The class registry's permissions: who is told apart how (credentials.py), who may do what (tokens.py), and the
listener that hands tokens out (app.py). The registry itself is Debian's docker-registry: see host/registry.py."""
