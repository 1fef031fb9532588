"""What drivers run on: tables of kernels by address, and how drivers are compiled."""
