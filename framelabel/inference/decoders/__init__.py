"""One file per kind of model output; tensors become boxes here."""
