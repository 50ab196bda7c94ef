"""What the diffusion model sees: control pictures drawn from any camera."""
