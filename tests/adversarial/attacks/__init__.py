"""The table of attacks by name, every class together."""

from __future__ import annotations

import os

from tests.adversarial.attack import Attack
from tests.adversarial.attacks import cheats, files, honest, interpreter, kernel, leaks, processes, resources

_CLASSES = (resources, processes, files, kernel, leaks, cheats, interpreter, honest)

ATTACKS: dict[str, Attack] = {
    name: attack
    for module in _CLASSES
    for name, attack in module.ATTACKS.items()
    if os.uname().machine in attack.machines
}
CONTROLS = {name: attack for name, attack in ATTACKS.items() if name.startswith("control/")}
