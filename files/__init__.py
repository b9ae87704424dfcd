"""Ground floor: pictures in and out, the embedded images, atomic writing, a command line's manners. No mathematics."""

from files.atomic import write_atomically
from files.command_line import run_command_line
from files.embedded import embedded_digits, embedded_photographs
from files.pictures import contact_sheet, read_image, read_pixels, write_image, write_npy, write_png

__all__ = [
    "contact_sheet",
    "embedded_digits",
    "embedded_photographs",
    "read_image",
    "read_pixels",
    "run_command_line",
    "write_atomically",
    "write_image",
    "write_npy",
    "write_png",
]
