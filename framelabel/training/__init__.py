"""Fine-tuning of a compact detector (PyTorch, optional extra `train`); the result is an ONNX file like any other."""
