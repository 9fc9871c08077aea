"""The two example records of seed 003, values unchanged, as one line each would hold them."""

from __future__ import annotations

CATEGORY = r"""
{"exportMetaData": {"formatVersion": "1.0", "exportId": "123xyz", "recordNum": 55, "recordOf": 300,
"recordType": "category", "operationType": "create"},
"tenantId": "ABC", "storeId": "123", "externalSystemId": "456", "enabled": false,
"featuredExternalAssetId": "22314", "assignmentMethod": "Manual", "customFields": {"key": "value"},
"isRoot": false, "externalSystemParentId": "123",
"translations": [{"languageCode": "en", "name": "Men's Dress Shoes", "navName": "Dress Shoes",
"slug": "dress-shoes", "description": "Shoes that Men love to wear when they're fancy",
"pageTitle": "Men's Dress Shoes", "pageDescription": "Shoes that Men love to wear"}],
"indexableFacets": [
{"facetAttribute": "color", "details": [
{"name": "red", "url": "<https://mywebsite.com/red/things>"},
{"name": "green", "url": "<https://mywebsite.com/red/things>"}]},
{"facetAttribute": "season", "details": [
{"name": "spring", "url": "<https://mywebsite.com/spring/things>"},
{"name": "fall", "url": "<https://mywebsite.com/fall/things>"}]}],
"assets": [{"externalSystemAssetId": "22314", "name": "clothing__95.jpg", "type": "IMAGE",
"mimeType": "image/jpeg", "width": 159, "height": 235,
"source": "cloudinary/path/to/image/clothing__95.jpg", "focalPoint": {"x": 23, "y": 45}}]}
""".replace("\n", "")

PRODUCT = r"""
{"exportMetaData": {"formatVersion": "1.0", "exportId": "123xyz", "recordNum": 12, "recordOf": 1300,
"recordType": "product"},
"tenantId": "ABC", "storeId": "123", "externalSystemId": "456", "brand": "Nike", "categoryIds": ["456"],
"translations": [{"languageCode": "en", "name": "Nike Air Force Ones", "slug": "nike-air-force-ones",
"description": "World Famous Air Force Ones"}],
"enabled": true,
"assets": [{"externalSystemAssetId": "22314", "name": "clothing__95.jpg", "type": "IMAGE",
"mimeType": "image/jpeg", "width": 159, "height": 159,
"source": "cloudinary/path/to/image/clothing__95.jpg", "focalPoint": {"x": 25, "y": 55}}],
"featuredAssetId": "22314",
"attributes": [{"gender": ["male"], "color": ["black", "blue"], "country of origin": ["UK"]}],
"variants": [{"enabled": true, "sku": "661595-01", "externalSystemID": "101101", "price": 3999,
"compareAtPrice": 2999, "currencyCode": "USD", "stockOnHand": 22, "outOfStockThreshold": 2,
"featuredAssetId": "22314", "attributes": [{"Paint Finish": "Flat", "Dept": "Home Furnishings"}]}]}
""".replace("\n", "")
