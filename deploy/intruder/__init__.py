"""What somebody who has taken the web's container could reach: tried from inside of it, told as JSON lines.

    python -c LAUNCHER '{"sandbox": "…", "addresses": […], "port": …}' <intruder.zip      as host/intruder.py runs it

Each attempt says what it tries, what must come of it and what came. Nothing that succeeds is kept or does harm.
Besides the standard library it needs what is in the app's image: psycopg, redis and the site's own code.
"""
