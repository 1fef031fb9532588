"""What a cube is read from: files, arrays, masks, world axes, slice by slice."""
