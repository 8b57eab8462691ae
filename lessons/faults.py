"""What is wrong in an author's YAML, in the author's words: what libyaml and pydantic say of it, in Spanish.

Refuses to guess: what it does not know is said as they say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MAP = "ha de ser un mapa: nombres, cada uno con su valor"
_WHOLE, _NUMBER, _TEXT = "ha de ser un número entero", "ha de ser un número", "ha de ser un texto; si parece otra cosa, entre comillas"
_VALUES = {
    "extra_forbidden": "no hay ningún campo que se llame así",
    "missing": "falta",
    "string_type": _TEXT,
    "string_too_short": "no puede estar vacío",
    "string_pattern_mismatch": "«{input}» no vale; ha de ser como dice {pattern}",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": "ha de ser true o false",
    "bool_parsing": "ha de ser true o false",
    "dict_type": _MAP,
    "model_type": _MAP,
    "model_attributes_type": _MAP,
    "list_type": "ha de ser una lista",
    "tuple_type": "ha de ser una lista",
    "literal_error": "«{input}» no vale; ha de ser {expected}",
    "too_short": "son pocos: {min_length} como mínimo",
    "too_long": "son demasiados: {max_length} como máximo",
    "greater_than_equal": "{input} es poco: {ge} como mínimo",
    "greater_than": "{input} es poco: ha de ser más de {gt}",
    "less_than_equal": "{input} es demasiado: {le} como máximo",
    "date_from_datetime_parsing": "ha de ser una fecha, como 2026-11-30",
    "date_parsing": "ha de ser una fecha, como 2026-11-30",
}
"""By the type of pydantic's fault."""
_BROKEN = {
    "mapping values are not allowed in this context": "sobran dos puntos: el texto que los lleva va entre comillas; o falta sangrar",
    "found character that cannot start any token": "con este carácter no se puede empezar: un tabulador (sangra con espacios), o un"
    " @, ` o % (entre comillas)",
    "did not find expected ',' or ']'": "este corchete no se cierra, o dentro falta una coma",
    "did not find expected ',' or '}'": "esta llave no se cierra, o dentro falta una coma",
    "did not find expected node content": "aquí falta algo: más arriba se abre un corchete o una llave que no se cierra",
    "could not find expected ':'": "a un campo le faltan sus dos puntos, o a un guion su espacio",
    "found unexpected end of stream": "estas comillas no se cierran",
    "did not find expected key": "aquí debería haber un campo: mira el sangrado, y que tras unas comillas que se cierran no siga nada",
    "did not find expected '-' indicator": "la lista sigue con otro sangrado: cada guion, debajo del anterior",
    "found a tab character that violates indentation": "un tabulador no sangra: usa espacios",
    "found a tab character where an indentation space is expected": "un tabulador no sangra: usa espacios",
    "block sequence entries are not allowed in this context": "el guion va en una línea suya, debajo del campo; o el texto, entre comillas",
    "did not find expected comment or line break": "tras | o > no va nada más: el texto empieza en la línea siguiente",
    "did not find expected alphabetic or numeric character": "un texto que empieza por & o * va entre comillas",
    "found undefined alias": "un texto que empieza por * va entre comillas",
    "found unknown escape character": "entre comillas dobles, la barra invertida se escribe dos veces; o usa comillas simples",
    "found unhashable key": "un texto que empieza por {{ va entre comillas",
    "but found another document": "sobra esta línea de guiones: un fichero es un solo documento",
}
"""By libyaml's words."""
_OPENED = ("did not find expected ',' or ']'", "did not find expected ',' or '}'", "found unexpected end of stream")
"""Where it began tells more than where it was missed."""


def of_value(fault: ErrorDetails) -> str:
    """What is wrong with one value."""
    words = {name: str(value) for name, value in fault.get("ctx", {}).items()}
    words["expected"] = words.get("expected", "").replace("'", "").replace(" or ", " o ")
    known = _VALUES.get(fault["type"])
    return known.format(input=fault["input"], **words) if known else fault["msg"].removeprefix("Value error, ")


def of_yaml(error: yaml.YAMLError) -> tuple[int, str]:
    """Line, from 1, and what is wrong there, of a text that is no YAML."""
    problem = str(getattr(error, "problem", None) or error)
    mark = getattr(error, "problem_mark", None)
    if problem in _OPENED:
        mark = getattr(error, "context_mark", None) or mark
    return (mark.line + 1 if mark else 1), _BROKEN.get(problem, problem)
