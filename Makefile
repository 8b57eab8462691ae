# The targets people and CI call. Everything they need is installed by host/bootstrap.sh.
.PHONY: run bundle stop compose-up compose-down compose-test compose-doctor compose-enable compose-disable compose-backup compose-restore compose-remove compose uninstall test test-fast test-postgres prove preview check lock certificate bench captures
PY = .venv/bin/python
FAST = -m "not engine and not browser"

run:
	@BUNDLE="$(BUNDLE)" sh host/bootstrap.sh up

bundle:
	@sh host/bootstrap.sh bundle $(OUT)

stop:
	@sh host/bootstrap.sh down

compose-up:
	@sh host/bootstrap.sh compose up

compose-down:
	@sh host/bootstrap.sh compose down

# docker compose with this lab's engine: make compose ARGS="logs -f web"
compose:
	@sh host/bootstrap.sh compose run $(or $(ARGS),ps)

# On a composed site that is up and open to who registers: what an intruder in its web could reach; then the browser's
# journeys, previews as the site has them, and each service restarted, stopped and killed in mid-use.
compose-test: compose-doctor
	@TEST_SITE=$(or $(SITE),https://127.0.0.1:8443) sh host/bootstrap.sh python -m pytest -m browser tests/composed tests/browser/test_journey.py tests/browser/test_hostile_preview.py $(or $(ARGS),-k "graded_exercise or same_shell or another_student or foreign_origin or hostile or restarted or stopped or whatever_is_killed")

compose-doctor:
	@sh host/bootstrap.sh compose doctor

# Have systemd start it with the machine, or no more.
compose-enable:
	@sh host/bootstrap.sh compose enable

compose-disable:
	@sh host/bootstrap.sh compose disable

# A copy of a composed site that is up, in a folder; SANDBOXES=1 for the sandboxes' disk too, and then it stops meanwhile.
compose-backup:
	@sh host/bootstrap.sh compose backup $(if $(OUT),"$(OUT)") $(if $(SANDBOXES),sandboxes)

# A site from such a folder, where there is none.
compose-restore:
	@sh host/bootstrap.sh compose restore $(if $(FROM),"$(FROM)")

# One composed site, with all its data: NAME=lab. Others stay.
compose-remove:
	@sh host/bootstrap.sh compose remove $(if $(NAME),--name $(NAME))

uninstall:
	@sh host/bootstrap.sh uninstall

test:
	@LAB_INTERNET=true LAB_INTERNET_DNS=198.18.0.2 sh host/bootstrap.sh up --name labtest --exec sh -c 'make --no-print-directory check && .venv/bin/pytest $(ARGS)$(if $(ARGS),, && TEST_DATABASE=postgres .venv/bin/pytest $(FAST))'

test-fast:
	@sh host/bootstrap.sh python -m pytest $(FAST) $(ARGS)

# Those of them that touch a database, on PostgreSQL.
test-postgres:
	@TEST_DATABASE=postgres sh host/bootstrap.sh python -m pytest $(FAST) $(ARGS)

prove:
	@sh host/bootstrap.sh up --name labprueba --exec .venv/bin/python manage.py prove_exercises $(ARGS)

preview:
	@LAB_SECRET_KEY=vista-previa LAB_DATABASE_URL=sqlite://:memory: sh host/bootstrap.sh python manage.py preview $(CURSO) $(if $(PUERTO),--puerto $(PUERTO))

check:
	@sh host/check.sh

lock:
	@sh host/lock.sh

certificate:
	@sh host/bootstrap.sh python -m host.certificate $(NAMES)


bench:
	@sh bench/run.sh

captures:
	@sh host/bootstrap.sh up --name labfotos --exec .venv/bin/python -m bench.captures $(ARGS)
