"""Inference services: replicas, batches of requests, and their service-level objectives."""
