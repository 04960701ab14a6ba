"""Websockets: opened by an access token, renewed by a newer one, and closed in time."""

from .connection import Connection
from .socket import Application, Message, Receive, Send, Socket

__all__ = ["Application", "Connection", "Message", "Receive", "Send", "Socket"]
