"""What happens in the students' engines: collected by one process, kept, and shown as it happens.

watching.py   the exec that tells an engine's events, its stream of lines
collector.py  one process per lab: an engine each, back after every loss      (manage.py collect)
store.py      events in the database, capped
snapshot.py   what an engine holds, as the page draws it
live.py       checks that are looked at unasked
feed.py       what was last seen, for pages that come; a word to those that are there
consumer.py   the websocket /ws/laboratorio/<sandbox>/
"""
