"""Tiny untrained models of transformers, of each kind that captions, saved as their authors save theirs."""

import torch

WORDS = "a red green blue dog cat runs sits on grass snow two what does the image describe ?".split()
BEGIN, PAD, END = range(3)
SIDE_PX = 32
MARKS = {"bos_token_id": BEGIN, "pad_token_id": PAD, "eos_token_id": END}
VISION = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
          "image_size": SIDE_PX, "patch_size": 16}  # fmt: skip
TEXT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "max_position_embeddings": 64}  # fmt: skip
SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
NEVER = [BEGIN, PAD, 3]  # a trained model does not write them
SQUARE = {"height": SIDE_PX, "width": SIDE_PX}


def make_tokenizer(**options):
    """A word a token."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    numbers = {word: n for n, word in enumerate([*SPECIAL.values(), *WORDS])}
    words = Tokenizer(models.WordLevel(numbers, SPECIAL["unk_token"]))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, **SPECIAL, **options)


def save_blip(folder, tokenizer):
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

    text = {**TEXT, **MARKS, "vocab_size": len(tokenizer), "encoder_hidden_size": 16, "projection_dim": 16,
            "sep_token_id": END}  # fmt: skip
    config = BlipConfig(text_config=text, vision_config={**VISION, "projection_dim": 16}, projection_dim=16)
    save(folder, BlipForConditionalGeneration(config), tokenizer, BlipImageProcessor(size=SQUARE))


def save_vit_gpt2(folder, tokenizer):
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessor,
    )

    decoder = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=1, n_head=2, **MARKS)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**VISION), decoder)
    model = VisionEncoderDecoderModel(config=config)
    for name, value in {**MARKS, "decoder_start_token_id": BEGIN, "min_new_tokens": 4}.items():
        setattr(model.generation_config, name, value)
    with torch.no_grad():  # the end is likelier, so that sentences end
        end = model.decoder.transformer.wte.weight[END]
        model.decoder.transformer.ln_f.bias += 2 * end / end.norm() ** 2
    save(folder, model, tokenizer, ViTImageProcessor(size=SQUARE))


def save_git(folder, tokenizer):
    from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM

    config = GitConfig(vision_config=VISION, vocab_size=len(tokenizer), **TEXT, **MARKS)
    save(folder, GitForCausalLM(config), tokenizer, CLIPImageProcessor(size=SQUARE, do_center_crop=False))


def save_florence2(folder, tokenizer):
    from transformers import CLIPImageProcessor, Florence2Config, Florence2ForConditionalGeneration, Florence2Processor

    tokenizer = make_tokenizer(extra_special_tokens={"image_token": "<image>"})
    tokenizer.image_token_id = tokenizer.convert_tokens_to_ids("<image>")
    text = {
        "model_type": "bart", "vocab_size": len(tokenizer), "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "max_position_embeddings": 64, "decoder_start_token_id": END, "forced_eos_token_id": None, **MARKS,
    }  # fmt: skip
    vision = {"depths": (1,) * 4, "embed_dim": (8, 8, 8, 16), "num_heads": (1,) * 4, "num_groups": (1,) * 4,
              "window_size": 2, "projection_dim": 16}  # fmt: skip
    config = Florence2Config(text_config=text, vision_config=vision, image_token_id=tokenizer.image_token_id)
    images = CLIPImageProcessor(size={"height": 64, "width": 64}, do_center_crop=False)
    images.image_seq_length = 5  # a 2 x 2 grid, and their mean
    save(folder, Florence2ForConditionalGeneration(config), Florence2Processor(images, tokenizer))


def save(folder, model, *others):
    model.generation_config.suppress_tokens = NEVER
    for part in (model, *others):
        part.save_pretrained(folder)


SAVERS = {
    "blip": save_blip,
    "vision-encoder-decoder": save_vit_gpt2,
    "git": save_git,
    "florence2": save_florence2,
}


def save_tiny(kind, folder):
    torch.manual_seed(1)
    SAVERS[kind](folder, make_tokenizer())
    return folder
