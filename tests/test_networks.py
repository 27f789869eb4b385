"""What the names of layers and models say of a network."""

from __future__ import annotations

import pytest

from trainlint.knowledge.layers import layer_kind, model_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("torch.nn.Conv2d", "convolutional"),
        ("torch.nn.functional.conv2d", "convolutional"),
        ("keras.layers.convolutional.Conv2D", "convolutional"),
        ("paddle.nn.MultiHeadAttention", "attention"),
        ("flax.linen.Dense", "fully connected"),
        ("torch.nn.LSTM", "recurrent"),
        ("torch.nn.Embedding", "embedding"),
        ("torch.nn.ReLU", ""),
        ("elsewhere.nn.Conv2d", ""),
    ],
)
def test_layers_by_name(name: str, kind: str) -> None:
    assert layer_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("torchvision.models.resnet18", "convolutional"),
        ("torchvision.models.vit_b_16", "attention"),
        ("timm/resnet50.a1_in1k", "convolutional"),
        ("transformers.ResNetForImageClassification", "convolutional"),
        ("transformers.AutoModelForCausalLM", "attention"),
        ("ResNet50", "convolutional"),
        ("efficientnet-b0", "convolutional"),
        ("my_model", ""),
        ("", ""),
    ],
)
def test_models_by_published_name(name: str, kind: str) -> None:
    assert model_kind(name) == kind
