"""Media and metafields of generated products, of all kinds and statuses."""

from __future__ import annotations

from typing import Any

from connectors.shopify.simulator.dice import mix
from connectors.shopify.simulator.ids import PRODUCT
from connectors.shopify.simulator.options import Options
from connectors.shopify.simulator.products import product_time

Node = dict[str, Any]

#: Media of one product stand this far apart from those of the next.
_STRIDE = 1000
_NOT_READY = {0: "PROCESSING", 1: "FAILED", 2: "UPLOADED"}
_CDN = "https://cdn.shopify.example/s/files/1/0001"


def product_media(options: Options, product: int) -> list[Node]:
    """In their order; the first is always an image that is ready."""
    return [_medium(options, product, place) for place in range(options.media)]


def media_stub(options: Options, product: int, place: int) -> Node:
    """The id and the type of one alone."""
    kind = _kind(mix(options.seed, product, 5, place), place)
    return {"__typename": kind, "id": _gid(kind, product, place)}


def product_metafields(options: Options, product: int) -> list[Node]:
    """Their values are texts whatever their type."""
    return [_metafield(options, product, place) for place in range(options.metafields)]


def _medium(options: Options, product: int, place: int) -> Node:
    dice = mix(options.seed, product, 5, place)
    kind = _kind(dice, place)
    status = _NOT_READY.get(dice // 32 % 40, "READY") if place else "READY"
    url = f"{_CDN}/{kind.lower()}-{product}-{place}"
    image = (
        _image(product, place, f"{url}.jpg?v={1_700_000_000 + dice % 1000}") if status == "READY" else None
    )
    common: Node = {
        "__typename": kind,
        "id": _gid(kind, product, place),
        "alt": f"Picture {place + 1}" if dice // 1280 % 2 else None,
        "status": status,
        "mediaErrors": [_ERROR] if status == "FAILED" else [],
        "preview": {"__typename": "MediaPreviewImage", "status": status, "image": image},
    }
    return common | _PARTS[kind](url, image)


def _kind(dice: int, place: int) -> str:
    kind = dice % 32
    if place == 0 or kind > 2:
        return "MediaImage"
    return ("Video", "ExternalVideo", "Model3d")[kind]


def _image_parts(url: str, image: Node | None) -> Node:
    mime = None if image is None else "image/jpeg"
    return {"mediaContentType": "IMAGE", "mimeType": mime, "image": image}


def _video_parts(url: str, image: Node | None) -> Node:
    source = {"__typename": "VideoSource", "url": f"{url}.mp4", "mimeType": "video/mp4", "format": "mp4"}
    sources = [source | {"width": 1280, "height": 720}] if image else []
    return {"mediaContentType": "VIDEO", "duration": 12_500 if image else None, "sources": sources}


def _external_parts(url: str, image: Node | None) -> Node:
    code = url.rpartition("-")[0].rpartition("-")[2]
    return {
        "mediaContentType": "EXTERNAL_VIDEO",
        "host": "YOUTUBE",
        "originUrl": f"https://youtube.example/watch?v={code}",
        "embedUrl": f"https://youtube.example/embed/{code}",
    }


def _model_parts(url: str, image: Node | None) -> Node:
    source = {
        "__typename": "Model3dSource",
        "url": f"{url}.glb",
        "mimeType": "model/gltf-binary",
        "format": "glb",
    }
    return {"mediaContentType": "MODEL_3D", "sources": [source | {"filesize": 48_128}] if image else []}


_PARTS = {
    "MediaImage": _image_parts,
    "Video": _video_parts,
    "ExternalVideo": _external_parts,
    "Model3d": _model_parts,
}
_ERROR: Node = {
    "__typename": "MediaError",
    "code": "IMAGE_PROCESSING_FAILURE",
    "details": None,
    "message": "The file could not be processed.",
}


def _image(product: int, place: int, url: str) -> Node:
    return {
        "__typename": "Image",
        "id": f"gid://shopify/ImageSource/{PRODUCT + product * _STRIDE + place}",
        "url": url,
        "altText": None,
        "width": 1200,
        "height": 900,
    }


def _metafield(options: Options, product: int, place: int) -> Node:
    kind, value = (("number_decimal", "1.50"), ("single_line_text_field", "Leinen"), ("boolean", "true"))[
        place % 3
    ]
    at = product_time(options, product)
    return {
        "__typename": "Metafield",
        "id": f"gid://shopify/Metafield/{PRODUCT + product * _STRIDE + place}",
        "namespace": "custom",
        "key": f"field_{place + 1}",
        "type": kind,
        "value": value,
        "createdAt": at,
        "updatedAt": at,
    }


def _gid(kind: str, product: int, place: int) -> str:
    return f"gid://shopify/{kind}/{PRODUCT + product * _STRIDE + place}"
