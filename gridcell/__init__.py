"""gridcell divides communities into uniquely coded service cells and proves that they fit.

The whole way is ``write_plan(make_plan(read_layers(...)), folder)``; its steps are public in the
subpackages: `gridcell.coverage`, `gridcell.fabric`, `gridcell.partition`, `gridcell.cells`,
`gridcell.households`, `gridcell.staff`, `gridcell.check`. Names are in ``__init__.pyi``, and are
imported when they are first asked for (SPEC 1 of Scientific Python).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
