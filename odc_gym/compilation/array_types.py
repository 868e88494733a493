"""Types of the array arguments of kernels: type of an element, then number of axes."""

from typing import Annotated, TypeAlias

import numpy as np

from odc_gym.compilation.arguments import Array

Float64x1: TypeAlias = Annotated[np.ndarray, Array(np.float64, 1)]
Float64x2: TypeAlias = Annotated[np.ndarray, Array(np.float64, 2)]
Float64x3: TypeAlias = Annotated[np.ndarray, Array(np.float64, 3)]
Float64x4: TypeAlias = Annotated[np.ndarray, Array(np.float64, 4)]
Float64x6: TypeAlias = Annotated[np.ndarray, Array(np.float64, 6)]
Float32x2: TypeAlias = Annotated[np.ndarray, Array(np.float32, 2)]
Float32x3: TypeAlias = Annotated[np.ndarray, Array(np.float32, 3)]
Float32x4: TypeAlias = Annotated[np.ndarray, Array(np.float32, 4)]
Int64x1: TypeAlias = Annotated[np.ndarray, Array(np.int64, 1)]
Int64x2: TypeAlias = Annotated[np.ndarray, Array(np.int64, 2)]
Int64x3: TypeAlias = Annotated[np.ndarray, Array(np.int64, 3)]
Int32x1: TypeAlias = Annotated[np.ndarray, Array(np.int32, 1)]
Int32x2: TypeAlias = Annotated[np.ndarray, Array(np.int32, 2)]
Int32x3: TypeAlias = Annotated[np.ndarray, Array(np.int32, 3)]
Int32x4: TypeAlias = Annotated[np.ndarray, Array(np.int32, 4)]
Int16x1: TypeAlias = Annotated[np.ndarray, Array(np.int16, 1)]
Int16x2: TypeAlias = Annotated[np.ndarray, Array(np.int16, 2)]
Int16x3: TypeAlias = Annotated[np.ndarray, Array(np.int16, 3)]
Int16x4: TypeAlias = Annotated[np.ndarray, Array(np.int16, 4)]
Int8x1: TypeAlias = Annotated[np.ndarray, Array(np.int8, 1)]
Int8x2: TypeAlias = Annotated[np.ndarray, Array(np.int8, 2)]
Int8x3: TypeAlias = Annotated[np.ndarray, Array(np.int8, 3)]
Boolx1: TypeAlias = Annotated[np.ndarray, Array(np.bool_, 1)]
Boolx3: TypeAlias = Annotated[np.ndarray, Array(np.bool_, 3)]
