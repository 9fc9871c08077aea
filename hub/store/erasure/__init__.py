"""Erasure of personal data from all that a tenant keeps: catalog, ledger, quarantine, documents, history."""

from hub.store.erasure.erase import (
    Erased,
    erase_account,
    erase_person,
    erase_person_by_hand,
    erase_tenant,
)
from hub.store.erasure.held import held_of

__all__ = ["Erased", "erase_account", "erase_person", "erase_person_by_hand", "erase_tenant", "held_of"]
