"""SMPL body: pose, model, inverse kinematics, pose files."""
