"""Rules that say which voxels of a mask change sides, one in each module."""
