"""What is measured of networks: likeness of images, zones, activations, Jacobians, fixed points."""
