"""Ground floor: pictures in and out, the embedded images, atomic writing, a command line's manners. No mathematics."""

from files.atomic import output_folder, write_atomically, write_together
from files.command_line import Interrupted, did_you_mean, run_command_line
from files.embedded import embedded_digits, embedded_photographs
from files.folders import pictures_in
from files.picture_writing import contact_sheet, image_bytes, npy_bytes, png_bytes, write_image
from files.pictures import READ, read_image, read_pixels
from files.progress_bar import duration, progress

__all__ = [
    "READ",
    "Interrupted",
    "contact_sheet",
    "did_you_mean",
    "duration",
    "embedded_digits",
    "embedded_photographs",
    "image_bytes",
    "npy_bytes",
    "output_folder",
    "pictures_in",
    "png_bytes",
    "progress",
    "read_image",
    "read_pixels",
    "run_command_line",
    "write_atomically",
    "write_image",
    "write_together",
]
