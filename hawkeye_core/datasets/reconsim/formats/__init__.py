"""ReconSim in the file formats of the real sources, so that one adapter reads both. Each module says what is exact."""
