"""The diffusion backbone: any folder in the Stable Diffusion layout, its inversion, attention taps and denoising."""
