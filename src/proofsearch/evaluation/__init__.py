"""What runs say: intervals, and later ranking metrics, paired statistics and budget curves."""
