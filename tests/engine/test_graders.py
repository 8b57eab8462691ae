"""Every kind of check on a real engine: what is so passes, and what is not says why."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lessons import kinds
from sandboxes.engine.student import StudentEngine
from sandboxes.grading import grade

pytestmark = pytest.mark.engine

SETUP = r"""
docker pull -q busybox:1.37
docker network create mired; docker network create otra
docker volume create datos
docker run --name escribe -v datos:/d busybox:1.37 sh -c 'echo hola > /d/nota.txt; echo listo; echo fin'
docker rm escribe; sleep 1.1
docker run -d --name web --network mired --restart unless-stopped -p 8080:80 -e MODO=prueba -v datos:/data --user 0:0 -m 64m --cpus 0.5 \
  busybox:1.37 sh -c 'mkdir /w; echo "{\"a\": [1, {\"b\": \"hola\"}]}" > /w/index.html; echo listo; exec httpd -f -h /w'
docker run -d --name bd --network mired --network-alias base busybox:1.37 sleep 1000
docker run -d --name sola --network otra -p 8081:81 --user 1000 busybox:1.37 sleep 1000
docker run -d --name cache busybox:1.37 httpd -f -p 6379
docker run -d --name app --link cache:redis busybox:1.37 sleep 1000
docker run -d --name local -p 8082:80 busybox:1.37 httpd -f -p 127.0.0.1:80
mkdir -p app; cd app; echo secreto > clave; printf '#!/bin/sh\necho hola\n' > entrada.sh; chmod 755 entrada.sh
cat > Dockerfile <<'F'
FROM busybox:1.37
RUN mkdir -p /etc && echo app:x:1000:1000::/:/bin/sh > /etc/passwd && ln -s /app/entrada.sh /enlace
WORKDIR /app
COPY --chown=app entrada.sh .
ENV MODO=produccion
LABEL version="1.0"
EXPOSE 80
USER app
HEALTHCHECK CMD true
ENTRYPOINT ["/app/entrada.sh"]
F
docker build -q -t miapp:1.0 . || exit 1
mkdir -p ~/mal; printf 'FROM busybox:1.37\nCOPY nada.txt /\n' > ~/mal/Dockerfile
mkdir -p ~/aparta; printf 'FROM busybox:1.37\nCOPY clave /\n' > ~/aparta/Dockerfile
echo x > ~/aparta/clave; echo 'cl*' > ~/aparta/.dockerignore
docker commit bd hecha:1.0; docker export bd | docker import - traida:1.0
printf 'FROM busybox:1.37\nCMD ["true"]\n' | DOCKER_BUILDKIT=0 docker build -q -t vieja:1.0 - 2>/dev/null || exit 1
docker create --name parado miapp:1.0
printf 'FROM busybox:1.37\nCOPY clave /clave\nRUN rm /clave\n' | docker build -q -t indiscreta:1.0 -f - . || exit 1
docker run -d --name choca -p 8080:80 busybox:1.37 sleep 9 2>/dev/null
docker run -d --name opciones busybox:1.37 -d 2>/dev/null
docker run -d --name sinbash busybox:1.37 bash 2>/dev/null
docker run -d --name junto busybox:1.37 "echo hola" 2>/dev/null
docker run -d --name calla busybox:1.37 sh
docker run -dit --name habla --label curso=docker --pids-limit 50 busybox:1.37 sh
printf 'echo hola\r\n' > guion.sh; printf '#!/bin/sh\r\necho hola\r\n' > windows.sh; chmod 755 windows.sh; printf '#!/bin/sh\n' > torpe.sh
chmod 644 torpe.sh; chmod 755 guion.sh
for guion in guion windows torpe; do docker create --name $guion busybox:1.37 /g.sh
docker cp -q $guion.sh $guion:/g.sh; docker start $guion; done 2>/dev/null
printf 'FROM busybox:1.37\nUSER admin   # el mio\nCMD sleep 9\n' | docker build -q -t notas:1.0 -
docker run -d --name comentado notas:1.0 2>/dev/null
printf "FROM busybox:1.37\nCMD ['echo', 'hola']\n" | docker build -q -t comillas:1.0 -; docker run --name comillas comillas:1.0 2>/dev/null
docker run -d --name quieta busybox:1.37 /bin/sleep 1000; docker stop -t 0 quieta
printf 'FROM busybox:1.37\nWORKDIR /app/\nENTRYPOINT ["/bin/wc"]\n' | docker build -q -t rutas:1.0 - || exit 1
echo final
"""


@pytest.fixture(scope="module")
def prepared(real_lab: Any) -> Iterator[str]:
    from sandboxes.engine import Flavor, Limits

    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        real_lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor())
        real_lab.start(name)
        real_lab.wait_ready(name, seconds=60)
        said = real_lab.run(name, ["su", "-", "alumno", "-c", SETUP], seconds=120).output.decode()
        assert said.endswith("final\n"), said
        yield name
    finally:
        real_lab.remove(name)


def check(real_lab: Any, machine: str, raw: dict[str, Any]) -> tuple[str, str]:
    spec = kinds.parse({"id": "x", "titulo": "x", **raw})
    with StudentEngine(real_lab, machine, seconds=30) as engine:
        verdicts, _evidence = grade([spec], lambda _node: engine)
    verdict = verdicts[0][1]
    return verdict.status, f"{verdict.expected} | {verdict.observed} | {verdict.hint}"


WEB = {"tipo": "container", "nombre": "web", "estado": "running"}
MIAPP = {"tipo": "image", "imagen": "miapp:1.0"}


@pytest.mark.parametrize(
    ("raw", "status", "said"),
    [
        ({**WEB, "reinicio": "unless-stopped", "puertos": ["8080:80", "80"], "env": {"MODO": "prueba", "PATH": None},
          "montajes": ["datos:/data"], "usuario": "0:0", "memoria": "64m", "cpus": 0.5, "redes": ["mired"]}, "passed", ""),
        ({**WEB, "puertos": ["80:8080"]}, "failed", "al revés"),
        ({**WEB, "redes": ["otra"]}, "failed", "docker network connect otra web"),
        ({**WEB, "montajes": ["/datos:/data"]}, "failed", "ruta absoluta"),
        ({**WEB, "salud": "healthy"}, "failed", "HEALTHCHECK"),
        ({**MIAPP, "entrypoint": ["/app/entrada.sh"], "usuario": "app", "env": {"MODO": "produccion"}, "carpeta": "/app", "puertos": ["80"],
          "etiquetas": {"version": "1.0"}, "healthcheck": True, "tamano_maximo": "20m", "creada_por": "build"}, "passed", ""),
        ({**MIAPP, "tamano_maximo": "1m"}, "failed", "docker history"),
        ({**MIAPP, "creada_por": "commit"}, "failed", "docker build"),
        ({"tipo": "image", "imagen": "hecha:1.0", "creada_por": "commit"}, "passed", ""),
        ({"tipo": "image", "imagen": "hecha:1.0", "creada_por": "build"}, "failed", "docker commit"),
        ({"tipo": "image", "imagen": "traida:1.0", "creada_por": "import"}, "passed", ""),
        ({"tipo": "image", "imagen": "vieja:1.0", "creada_por": "build"}, "passed", ""),
        ({"tipo": "image", "imagen": "busybox:1.37", "creada_por": "pull"}, "passed", ""),
        ({"tipo": "image", "imagen": "busybox:1.37", "creada_por": "build"}, "failed", "docker pull"),
        ({"tipo": "volume", "volumen": "datos", "montado_en": {"web": "/data"}, "fichero": "nota.txt", "texto": "hola", "sobrevive": True},
         "passed", ""),
        ({"tipo": "link", "desde": "app", "hacia": "cache", "alias": "redis"}, "passed", "«redis» lleva a"),
        ({"tipo": "link", "desde": "app", "hacia": "cache"}, "failed", "--link cache:cache"),
        ({"tipo": "link", "desde": "cache", "hacia": "app"}, "failed", "no en el llamado"),
        ({"tipo": "volume", "volumen": "datos", "montado_en": {"bd": "/data"}}, "failed", "-v datos:/data"),
        ({"tipo": "network", "red": "mired", "driver": "bridge", "contenedores": ["web", "bd"], "resuelve": {"web": "base", "bd": "web"},
          "aislados": [["web", "sola"]]}, "passed", ""),
        ({"tipo": "network", "red": "mired", "resuelve": {"web": "sola"}}, "failed", "no está en «mired»"),
        ({"tipo": "network", "red": "mired", "aislados": [["web", "bd"]]}, "failed", "disconnect"),
        ({"tipo": "logs", "contenedor": "web", "texto": "listo", "sin": "error"}, "passed", "listo"),
        ({"tipo": "logs", "contenedor": "web", "texto": "Listo"}, "failed", "mayúsculas"),
        ({"tipo": "process", "contenedor": "web", "programa": "httpd", "usuario": "root", "primero": True}, "passed", "httpd -f"),
        ({"tipo": "process", "contenedor": "sola", "programa": "sleep", "usuario": "1000"}, "passed", ""),
        ({"tipo": "process", "contenedor": "web", "programa": "redis-server"}, "failed", "httpd"),
        ({"tipo": "file", "ruta": "app/Dockerfile", "texto": "FROM busybox", "regex": "^USER app$", "dueno": "alumno"}, "passed", ""),
        ({"tipo": "file", "ruta": "app/dockerfile"}, "failed", "«Dockerfile»"),
        ({"tipo": "file", "imagen": "miapp:1.0", "ruta": "/enlace", "modo": "755", "dueno": "app", "texto": "echo"}, "passed", ""),
        ({"tipo": "file", "imagen": "miapp:1.0", "ruta": "/app/clave", "ausente": True}, "passed", ""),
        ({"tipo": "file", "imagen": "busybox:1.37", "ruta": "/bin/sh"}, "passed", ""),
        ({"tipo": "file", "contenedor": "web", "ruta": "/data/nota.txt", "texto": "hola"}, "passed", ""),
        ({"tipo": "file", "contenedor": "parado", "ruta": "/app/entrada.sh", "modo": "700"}, "failed", "chmod 700"),
        ({"tipo": "dockerfile", "ruta": "app/Dockerfile", "base": "busybox:1.37", "usuario": "app", "sin_root": True, "sin": ["ADD"],
          "orden": ["COPY entrada.sh .", "ENV MODO=produccion", "USER app"], "revisado": True, "permite": ["DL3025", "DL3066"]}, "passed",
         "10 instrucciones"),
        ({"tipo": "dockerfile", "ruta": "mal/Dockerfile"}, "failed", "«nada.txt» no está en el contexto"),
        ({"tipo": "http", "puerto": 8080, "texto": "hola", "json": {"a.1.b": "hola", "a.0": 1}}, "passed", "200"),
        ({"tipo": "http", "puerto": 8080, "ruta": "/nada"}, "failed", "404"),
        ({"tipo": "http", "puerto": 8081, "intentos": 1}, "failed", "-p lleva al puerto 81"),
        ({"tipo": "http", "puerto": 8082, "intentos": 1}, "failed", "0.0.0.0"),
        ({"tipo": "http", "puerto": 8099, "intentos": 1}, "failed", "-p 8099:"),
        ({"tipo": "command", "orden": "whoami; pwd", "salida": "alumno", "regex": "^/home/alumno$"}, "passed", ""),
        ({"tipo": "command", "orden": "sleep 30", "segundos": 1}, "failed", "no ha terminado"),
        ({"tipo": "command", "orden": "nohay"}, "failed", "127"),
        ({**WEB, "nombre": "choca"}, "failed", "ya lo usa otro"),
        ({**WEB, "nombre": "opciones"}, "failed", "antes de la imagen"),
        ({**WEB, "nombre": "sinbash"}, "failed", "no traen «bash»"),
        ({**WEB, "nombre": "junto"}, "failed", "entrecomilla solo el texto"),
        ({**WEB, "nombre": "calla"}, "failed", "intérprete sin terminal"),
        ({**WEB, "nombre": "habla", "etiquetas": {"curso": "docker"}, "terminal": True, "procesos": 50}, "passed", ""),
        ({**WEB, "etiquetas": {"curso": None}}, "failed", "--label curso=VALOR"),
        ({**WEB, "nombre": "guion"}, "failed", "#!/bin/sh"),
        ({**WEB, "nombre": "windows"}, "failed", "como en Windows"),
        ({**WEB, "nombre": "torpe"}, "failed", "chmod +x"),
        ({**WEB, "nombre": "comentado"}, "failed", "no empieza un comentario"),
        ({**WEB, "nombre": "comillas"}, "failed", "comillas dobles"),
        ({"tipo": "container", "nombre": "quieta", "orden": ["sleep", "1000"]}, "passed", ""),
        ({**WEB, "nombre": "quieta"}, "failed", "Lo mató una señal"),
        ({"tipo": "image", "imagen": "rutas:1.0", "entrypoint": ["wc"], "carpeta": "/app"}, "passed", ""),
        ({**WEB, "imagen": "redis:8.0"}, "failed", "docker rm -f web"),
        ({"tipo": "image", "imagen": "notas:1.0", "usuario": "admin"}, "failed", "línea aparte"),
        ({"tipo": "image", "imagen": "inexistente:9"}, "failed", "manifest unknown"),
        ({**MIAPP, "arquitectura": "amd64"}, "passed", ""),
        ({**MIAPP, "autor": "Ana"}, "failed", "--author"),
        ({"tipo": "layers", "imagen": "indiscreta:1.0", "base": "busybox:1.37", "ausentes": ["/clave"]}, "failed", "en el mismo RUN"),
        ({"tipo": "layers", "imagen": "miapp:1.0", "base": "busybox:1.37", "ausentes": ["/clave"], "sin": ["ADD"],
          "como_mucho": 3}, "passed",
         ""),
        ({"tipo": "layers", "imagen": "miapp:1.0", "base": "busybox:1.37", "sin": ["EXPOSE"]}, "failed", "docker history"),
        ({"tipo": "http", "puerto": 8080, "cabeceras": {"Content-Type": "text/html"}}, "passed", "200"),
        ({"tipo": "http", "puerto": 8080, "cabeceras": {"X-Nada": ""}}, "failed", "curl -i"),
        ({"tipo": "any", "de": [{"tipo": "container", "nombre": "nadie"}, WEB]}, "passed", "web"),
        ({"tipo": "all", "de": [{"tipo": "container", "nombre": "nadie"}, WEB]}, "failed", "nadie"),
        ({"tipo": "not", "pista": "Bórralo.", "de": [WEB]}, "failed", "«web» está en marcha"),
        ({"tipo": "not", "pista": "Bórrala.", "de": [MIAPP]}, "failed", "De ella es «parado»"),
        ({"tipo": "image", "imagen": "busybox:9.8"}, "failed", "Tienes «busybox:1.37»"),
        ({"tipo": "image", "imagen": "zumo:3.2"}, "failed", "docker build -t zumo:3.2 "),
        ({"tipo": "dockerfile", "ruta": "aparta/Dockerfile"}, "failed", ".dockerignore lo aparta"),
    ],
    ids=lambda value: f"{value['tipo']}-{len(str(value))}" if isinstance(value, dict) else value[:12],
)  # fmt: skip
def test_kind_says_of_a_real_engine(real_lab: Any, prepared: str, raw: dict[str, Any], status: str, said: str) -> None:
    got, text = check(real_lab, prepared, raw)
    assert got == status, text
    assert said in text


def test_looking_changes_nothing(real_lab: Any, prepared: str) -> None:
    def state() -> bytes:
        # Sorted: the engine gives what was made in the same second in any order.
        ask = "for what in ps\\ -a images volume\\ ls network\\ ls; do docker $what -q | sort; done; ls -A /mnt /tmp; mount | wc -l"
        return real_lab.run(prepared, ["sh", "-c", ask]).output  # type: ignore[no-any-return]

    before = state()
    check(real_lab, prepared, {"tipo": "file", "imagen": "miapp:1.0", "ruta": "/enlace"})
    check(real_lab, prepared, {"tipo": "volume", "volumen": "datos", "fichero": "nota.txt"})
    check(real_lab, prepared, {"tipo": "process", "contenedor": "web", "programa": "httpd"})
    assert state() == before


def test_images_links_do_not_lead_out_of_it(real_lab: Any, prepared: str) -> None:
    real_lab.run(prepared, ["sh", "-c", "echo fuera > /etc/solo-aqui"])
    real_lab.run(prepared, ["docker", "run", "--name", "enlaza", "busybox:1.37", "ln", "-s", "/etc/solo-aqui", "/fuga"])
    real_lab.run(prepared, ["docker", "commit", "enlaza", "enlaza:1.0"])
    for place in ({"imagen": "enlaza:1.0"}, {"contenedor": "enlaza"}):
        assert check(real_lab, prepared, {"tipo": "file", "ruta": "/fuga", **place})[0] == "failed"
