"""Writes a random model of Qwen2's architecture, small enough for any CPU, and a tokenizer; no model hub is needed.

Run by vLLM's own Python: `python tiny_model.py DIRECTORY WORD WORD …`. It writes the same files every time. Each of the
words is one token, as the words of which prompts of a given length are made are in Qwen's tokenizer.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Decoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY, HIDDEN, POSITIONS = 2048, 128, 32768
# In the training text a word is this many times as frequent as a pair of words, so that BPE learns whole words first;
# the pairs only fill the vocabulary.
WORD_REPEATS = 1000


def tokenizer(words: list[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE, as Qwen's: every text can be tokenized, and a character may be split over two tokens."""
    made = Tokenizer(BPE())
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = Decoder()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END, START, STOP], initial_alphabet=sorted(ByteLevel.alphabet())
    )
    pairs = [f" {first}{second}" for first in words for second in words]
    made.train_from_iterator([f"{word} {word}" for word in words] * WORD_REPEATS + pairs, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=STOP, pad_token=END, additional_special_tokens=[START], chat_template=TEMPLATE
    )


def main() -> None:
    """Writes both."""
    home = Path(sys.argv[1])
    torch.manual_seed(0)
    made = tokenizer(sys.argv[2:])
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=4 * HIDDEN, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=POSITIONS, tie_word_embeddings=True,
        eos_token_id=made.convert_tokens_to_ids(STOP), bos_token_id=made.convert_tokens_to_ids(END),
    )
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(home)
    made.save_pretrained(home)


if __name__ == "__main__":
    main()
