"""Prints the golden hashes of server/src/lab/inspection/inspection.test.ts: which of the lowest 8 x 8 coefficients of SciPy's
cosine transform are above their median, as the package ImageHash has it (`phash`), of pictures made from a formula.

    /tmp/goldens/bin/python tools/goldens/image_hash.py
"""

import numpy as np
import scipy
from scipy.fft import dct

for k in (1, 2, 3):
    row, column = np.mgrid[:32, :32]
    grey = np.floor(127.5 * (1 + np.sin(0.7 * row + 0.3 * column) * np.cos(0.05 * k * row * column)))
    low = dct(dct(grey, axis=0), axis=1)[:8, :8].ravel()
    bits = low > np.median(low)
    print(k, "".join("1" if bit else "0" for bit in bits), f"scipy {scipy.__version__}")
