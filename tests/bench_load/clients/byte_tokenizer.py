"""Writes a tokenizer in which every byte is a token: AIPerf insists on one, and a model hub is not always reachable.

Run by AIPerf's own Python: `python byte_tokenizer.py DIRECTORY`.
"""

import sys
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Decoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

END = "<|end|>"
vocabulary = {letter: number for number, letter in enumerate([*sorted(ByteLevel.alphabet()), END])}
tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[]))
tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
tokenizer.decoder = Decoder()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, bos_token=END).save_pretrained(sys.argv[1])
# Without a model type the directory is not recognised as a tokenizer.
(Path(sys.argv[1]) / "config.json").write_text('{"model_type": "gpt2"}')
