"""A live etcd as telemetry: what each member tells of itself, and what a client of the cluster sees."""

from dwcp.telemetry.sources.etcd.assembly import Assembler, quantile
from dwcp.telemetry.sources.etcd.client_log import ClientLog, ClientSecond, MemberTally
from dwcp.telemetry.sources.etcd.endpoint import Access, Endpoint, parse_endpoint
from dwcp.telemetry.sources.etcd.exposition import Sample, samples, totals
from dwcp.telemetry.sources.etcd.http import Answer, HttpClient, Outcome
from dwcp.telemetry.sources.etcd.probe import Probe, Prober
from dwcp.telemetry.sources.etcd.readings import Differences, Reading, parse_reading
from dwcp.telemetry.sources.etcd.scraper import Scraper
from dwcp.telemetry.sources.etcd.seconds import RAFT, ClusterSecond, MemberSecond, Second
from dwcp.telemetry.sources.etcd.source import EtcdSource, http_clients, ticks

__all__ = [
    "RAFT",
    "Access",
    "Answer",
    "Assembler",
    "ClientLog",
    "ClientSecond",
    "ClusterSecond",
    "Differences",
    "Endpoint",
    "EtcdSource",
    "HttpClient",
    "MemberSecond",
    "MemberTally",
    "Outcome",
    "Probe",
    "Prober",
    "Reading",
    "Sample",
    "Scraper",
    "Second",
    "http_clients",
    "parse_endpoint",
    "parse_reading",
    "quantile",
    "samples",
    "ticks",
    "totals",
]
