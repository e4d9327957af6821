"""The tables of all resources: each folder of crm/resources brings its own."""

from importlib import import_module
from pkgutil import iter_modules

from crm import resources

for folder in iter_modules(resources.__path__):
    modules = iter_modules([f"{resources.__path__[0]}/{folder.name}"])
    if any(module.name == "models" for module in modules):
        import_module(f"crm.resources.{folder.name}.models")

import_module("crm.intake.models")
