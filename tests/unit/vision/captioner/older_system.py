"""The older system's modules and files, as its checkpoints hold them."""

import json
import sys
from types import ModuleType

import torch
import torchvision
from torch import nn

from photosearch.vision.captioner.vocabulary import SPECIAL

WORDS = ("a", "dog", "cat", "runs", "on", "grass", "snow", "two", "hat")
# As the older system numbered them: padding first, the other special words last.
WORDMAP = {"<pad>": 0, **{word: n for n, word in enumerate(WORDS, 1)}, "<unk>": 10, "<start>": 11, "<end>": 12}
NEW_WORDS = [*SPECIAL, *WORDS]
N_WORDS = len(WORDMAP)
OLD_NUMBERS = [WORDMAP[word] for word in NEW_WORDS]
FORMS = ["zip", "legacy"]


class Encoder(nn.Module):
    """The older encoder: (B, 3, 256, 256) to (B, 14, 14, 2048)."""

    def __init__(self, depth):
        super().__init__()
        resnet = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        self.enc_image_size = 14
        self.resnet = nn.Sequential(*list(resnet.children())[:-2])
        self.adaptive_pool = nn.AdaptiveAvgPool2d((14, 14))

    def forward(self, images):
        return self.adaptive_pool(self.resnet(images)).permute(0, 2, 3, 1)


class Attention(nn.Module):
    def __init__(self, encoder_dim, decoder_dim, attention_dim):
        super().__init__()
        self.encoder_att = nn.Linear(encoder_dim, attention_dim)
        self.decoder_att = nn.Linear(decoder_dim, attention_dim)
        self.full_att = nn.Linear(attention_dim, 1)
        self.relu = nn.ReLU()
        self.softmax = nn.Softmax(dim=1)


class DecoderWithAttention(nn.Module):
    """The older decoder, by the paper's equations; it is the oracle here."""

    def __init__(self, vocabulary=N_WORDS, encoder_dim=2048, attention=5, embed=6, hidden=7):
        super().__init__()
        self.attention = Attention(encoder_dim, hidden, attention)
        self.embedding = nn.Embedding(vocabulary, embed)
        self.dropout = nn.Dropout(p=0.5)
        self.decode_step = nn.LSTMCell(embed + encoder_dim, hidden, bias=True)
        self.init_h = nn.Linear(encoder_dim, hidden)
        self.init_c = nn.Linear(encoder_dim, hidden)
        self.f_beta = nn.Linear(hidden, encoder_dim)
        self.sigmoid = nn.Sigmoid()
        self.fc = nn.Linear(hidden, vocabulary)

    def forward(self, grid, words):
        """Grid (B, 14, 14, E) and words (B, T) to next-word logits (B, T, V)."""
        a = grid.reshape(len(grid), -1, grid.shape[-1])
        h, c = self.init_h(a.mean(dim=1)), self.init_c(a.mean(dim=1))
        logits = []
        for t in range(words.shape[1]):
            e = self.attention.full_att(
                torch.relu(self.attention.encoder_att(a) + self.attention.decoder_att(h).unsqueeze(1))
            )
            alpha = torch.softmax(e, dim=1)  # (B, R, 1)
            z = torch.sigmoid(self.f_beta(h)) * (alpha * a).sum(dim=1)
            h, c = self.decode_step(torch.cat([self.embedding(words[:, t]), z], dim=1), (h, c))
            logits.append(self.fc(self.dropout(h)))
        return torch.stack(logits, dim=1)


class Thin(nn.Module):
    """An encoder that says it is a ResNet-50 and holds next to nothing: for what is refused before it is looked at."""

    def __init__(self):
        super().__init__()
        stage = nn.Sequential(*[nn.Linear(1, 1) for _ in range(6)])
        self.resnet = nn.Sequential(*[nn.Identity() for _ in range(6)], stage)


for old in (Encoder, Attention, DecoderWithAttention, Thin):
    old.__module__ = "models"  # where the older system had them


def save_old(path, content, form="zip", **options):
    """torch.save in one of its two forms, with the older system's module there while it lasts."""
    module = ModuleType("models")
    module.__file__ = __file__  # the older form takes the classes' source along
    module.__dict__.update({old.__name__: old for old in (Encoder, Attention, DecoderWithAttention, Thin)})
    before = sys.modules.get("models")
    sys.modules["models"] = module
    try:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip", **options)
    finally:
        del sys.modules["models"]
        if before is not None:
            sys.modules["models"] = before
    return path


def checkpoint_of(encoder, decoder, **more):
    optimizer = torch.optim.Adam(decoder.parameters())
    decoder(torch.zeros(1, 14, 14, 2048), torch.zeros(1, 1, dtype=torch.long)).sum().backward()
    optimizer.step()  # so that it holds a state
    optimizer.zero_grad(set_to_none=True)
    return {"epoch": 3, "bleu-4": 0.2, "encoder": encoder, "decoder": decoder, "decoder_optimizer": optimizer, **more}


def make_parts():
    """The older encoder (a ResNet-50) and decoder, not trained, in evaluation mode."""
    torch.manual_seed(0)
    encoder, decoder = Encoder(50), DecoderWithAttention()
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        decoder.fc.weight *= 4  # so that its choices are clear
    return encoder.eval(), decoder.eval()


def save_wordmap(path):
    path.write_text(json.dumps(WORDMAP))
    return path
