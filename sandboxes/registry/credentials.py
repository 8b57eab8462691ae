"""Each person's password of the class registry: derived from the lab's secret and a nonce, so that their page can
show it while the database does not hold it. A new nonce is a new password. Never the account's own password:
`docker login` keeps what it is given in the clear."""

from __future__ import annotations

import base64

from django.contrib.auth.models import User
from django.utils.crypto import constant_time_compare, salted_hmac

from sandboxes.models import RegistryCredential, new_nonce


def password(user: User) -> str:
    """The user's registry password (24 characters, 120 bits); made at first use."""
    credential, _created = RegistryCredential.objects.get_or_create(user=user)
    return _derive(user, credential)


def renew(user: User) -> None:
    """Make the former password useless."""
    RegistryCredential.objects.update_or_create(user=user, defaults={"nonce": new_nonce()})


def find_user(username: str, given: str) -> User | None:
    """Who this is, or None: no such user, an account that is not active, another password."""
    user = User.objects.filter(username=username, is_active=True).first()
    credential = RegistryCredential.objects.filter(user=user).first() if user else None
    if user is None or credential is None or not constant_time_compare(given, _derive(user, credential)):
        return None
    return user


def _derive(user: User, credential: RegistryCredential) -> str:
    digest = salted_hmac("sandboxes.registry.credentials", f"{user.pk}:{credential.nonce}", algorithm="sha256").digest()
    return base64.b32encode(digest[:15]).decode().lower()
