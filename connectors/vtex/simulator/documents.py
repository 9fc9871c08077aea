"""SKUs and products as Catalog answers them (specs, catalog API; vtex facts, "SKU" and "Product")."""

from __future__ import annotations

from connectors.vtex.simulator.catalog import Catalog
from connectors.vtex.simulator.items import Product, Sku
from hub.records import JSON

#: The seller that stands for a SKU of a franchise account.
FRANCHISE = "franchise1"
MAIN_SELLER = "1"

_RELEASED = "2025-01-06T00:00:00"
_COLOURS = ("Blue", "Red", "Green", "Grey")
_MATERIALS = ("Oak", "Steel", "Wool", "Glass")


def sku_document(catalog: Catalog, sku: Sku) -> JSON:
    """``stockkeepingunitbyid``: the brand's id is text, the weight grams, the leaf the last of the categories."""
    product = sku.product
    department, _, category = catalog.categories[product.category]
    department_name = catalog.categories[product.category][1]
    images = _images(catalog, sku)
    return {
        "Id": sku.id,
        "ProductId": product.id,
        "NameComplete": f"{product.name} {sku.name}",
        "ComplementName": "",
        "ProductName": product.name,
        "ProductDescription": product.description,
        "ProductRefId": f"P-{product.id}",
        "TaxCode": "",
        "SkuName": sku.name,
        "IsActive": sku.active,
        "IsTransported": True,
        "IsInventoried": True,
        "IsGiftCardRecharge": False,
        "ImageUrl": images[0]["ImageUrl"] if images else "",
        "DetailUrl": f"/{_slug(product)}/p",
        "CSCIdentification": None,
        "BrandId": str(product.brand),
        "BrandName": catalog.brands[product.brand],
        "IsBrandActive": True,
        "Dimension": {
            "cubicweight": 0.5,
            "height": 10.0,
            "length": 20.0,
            "weight": sku.weight,
            "width": 15.0,
        },
        "RealDimension": {
            "realCubicWeight": 0.0,
            "realHeight": 0.0,
            "realLength": 0.0,
            "realWeight": 0.0,
            "realWidth": 0.0,
        },
        "ManufacturerCode": "",
        "IsKit": False,
        "KitItems": [],
        "Services": [],
        "Categories": [],
        "CategoriesFullPath": [f"/{department}/{product.category}/", f"/{department}/"],
        "Attachments": [],
        "Collections": [],
        "SkuSellers": [_seller(sku)],
        "SalesChannels": catalog.channels(sku),
        "Images": images,
        "Videos": [],
        "SkuSpecifications": _specifications(catalog, 1, "Colour", _COLOURS, sku.id),
        "ProductSpecifications": _specifications(catalog, 51, "Material", _MATERIALS, product.id),
        "ProductClustersIds": "",
        "ProductCategoryIds": f"/{department}/{product.category}/",
        "ProductGlobalCategoryId": None,
        "ProductCategories": {str(product.category): category, str(department): department_name},
        "CommercialConditionId": 1,
        "RewardValue": 0.0,
        "AlternateIds": {"RefId": f"S-{sku.id}"} | ({"Ean": sku.ean} if sku.ean else {}),
        "AlternateIdValues": [f"S-{sku.id}"] + ([sku.ean] if sku.ean else []),
        "EstimatedDateArrival": None,
        "MeasurementUnit": "un",
        "UnitMultiplier": 1.0,
        "InformationSource": None,
        "ModalType": None,
        "KeyWords": "",
        "ReleaseDate": _RELEASED,
        "ProductIsVisible": True,
        "ShowIfNotAvailable": False,
        "IsProductActive": product.active,
        "ProductFinalScore": 0,
    }


def product_document(catalog: Catalog, product: Product, *, with_channels: bool) -> JSON:
    """``productget`` with the sales channels, or ``/api/catalog/pvt/product/{id}`` with the score in their place."""
    document = {
        "Id": product.id,
        "Name": product.name,
        "DepartmentId": catalog.categories[product.category][0],
        "CategoryId": product.category,
        "BrandId": product.brand,
        "LinkId": _slug(product),
        "RefId": f"P-{product.id}",
        "IsVisible": True,
        "Description": product.description,
        "DescriptionShort": "",
        "ReleaseDate": _RELEASED,
        "KeyWords": "",
        "Title": product.name,
        "IsActive": product.active,
        "TaxCode": "",
        "MetaTagDescription": "",
        "SupplierId": 1,
        "ShowWithoutStock": True,
        "AdWordsRemarketingCode": "",
        "LomadeeCampaignCode": "",
    }
    if not with_channels:
        return document | {"Score": 1}
    channels = sorted({one for sku in catalog.skus_of(product) for one in catalog.channels(sku)})
    return document | {"ListStoreId": channels}


def _images(catalog: Catalog, sku: Sku) -> list[JSON]:
    base = f"https://{catalog.options.account}.vteximg.com.br/arquivos/ids"
    first = sku.id * 10
    return [
        {
            "ImageUrl": f"{base}/{first + place}/{sku.id}-{place}.jpg",
            "ImageName": f"View {place}" if place else None,
            "FileId": first + place,
        }
        for place in range(sku.images)
    ]


def _seller(sku: Sku) -> JSON:
    return {
        "SellerId": FRANCHISE if sku.franchise else MAIN_SELLER,
        "StockKeepingUnitId": sku.id,
        "SellerStockKeepingUnitId": str(sku.id),
        "IsActive": True,
        "FreightCommissionPercentage": 0.0,
        "ProductCommissionPercentage": 0.0,
    }


def _specifications(
    catalog: Catalog, first: int, name: str, values: tuple[str, ...], owner: int
) -> list[JSON]:
    chosen = owner % len(values)
    return [
        {
            "FieldId": first + place,
            "FieldName": f"{name} {place + 1}" if place else name,
            "FieldValueIds": [100 * (first + place) + chosen],
            "FieldValues": [values[chosen]],
        }
        for place in range(catalog.options.specifications)
    ]


def _slug(product: Product) -> str:
    return product.name.lower().replace(" ", "-")
