"""Linux as the judge: random rules and packets, what the kernel decides against what `fwpolicy` answers."""
