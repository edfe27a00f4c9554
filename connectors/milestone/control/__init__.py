"""What operators answer: events that switch rules, verdicts, lost cameras."""
