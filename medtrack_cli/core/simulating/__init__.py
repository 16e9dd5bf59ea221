"""The services of MedTrack, standing in."""
