"""What leaves the program: image sets, radiance fields, turntables, meshes, pictures."""
