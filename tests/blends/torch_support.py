"""What the tests of the torch venv share: mosaicml-streaming without the image library that it imports."""

from __future__ import annotations

import sys
import types
import warnings
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

REASON = "needs the torch venv: make test-torch"


def import_streaming() -> Any:
    """mosaicml-streaming. torchvision's wheels fit the CUDA builds of torch only, so the names it takes are made up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("transformers", reason=REASON)  # before: it looks whether torchvision is there
        for path in ("", ".transforms", ".transforms.functional", ".datasets"):
            name = f"torchvision{path}"
            module = sys.modules.setdefault(name, types.ModuleType(name))
            module.__spec__ = ModuleSpec(name, None)
        sys.modules["torchvision.transforms.functional"].to_tensor = None  # type: ignore[attr-defined]
        sys.modules["torchvision.datasets"].VisionDataset = type("VisionDataset", (), {})  # type: ignore[attr-defined]
        return pytest.importorskip("streaming", reason=REASON)
