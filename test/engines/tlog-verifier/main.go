// Verifies a log of Ringfence's with what others have written for logs of this kind, and signs a note
// for Ringfence to verify. Usage: tlog-verifier verify URL VKEY WITNESS-VKEY < proofs, or: sign ORIGIN.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Proofs that Ringfence has made, of leaves and of older trees, hashes in base64.
type proofs struct {
	Inclusion []struct {
		Index, Size int64
		Leaf, Root  tlog.Hash
		Path        []tlog.Hash
	}
	Consistency []struct {
		OldSize, Size int64
		OldRoot, Root tlog.Hash
		Path          []tlog.Hash
	}
}

func main() {
	var err error
	switch {
	case len(os.Args) == 5 && os.Args[1] == "verify":
		err = verify(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 3 && os.Args[1] == "sign":
		err = sign(os.Args[2])
	default:
		err = fmt.Errorf("usage: verify URL VKEY WITNESS-VKEY, or sign ORIGIN")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func verify(base, vkey, witnessKey string) error {
	ctx := context.Background()
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("note.NewVerifier: %w", err)
	}
	witness, err := torchwood.NewCosignatureVerifier(witnessKey)
	if err != nil {
		return fmt.Errorf("torchwood.NewCosignatureVerifier: %w", err)
	}
	fetcher, err := torchwood.NewTileFetcher(base)
	if err != nil {
		return err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(log, witness))
	if err != nil {
		return fmt.Errorf("note.Open: %w", err)
	}
	if len(opened.Sigs) != 2 {
		return fmt.Errorf("%d of 2 signatures are known", len(opened.Sigs))
	}
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	if err != nil {
		return fmt.Errorf("torchwood.ParseCheckpoint: %w", err)
	}
	if err := readAll(ctx, fetcher, checkpoint.Tree); err != nil {
		return err
	}
	if err := checkAll(ctx, base, log, checkpoint.Origin); err != nil {
		return err
	}
	return checkProofs(checkpoint)
}

// torchwood reads every entry and holds it to the tiles, and the tiles to the root.
func readAll(ctx context.Context, fetcher *torchwood.TileFetcher, tree tlog.Tree) error {
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		return err
	}
	read := int64(0)
	for index, entry := range reader.AllEntries(ctx, tree, 0) {
		if index != read || len(entry) == 0 {
			return fmt.Errorf("entry %d came as %d, with %d bytes", read, index, len(entry))
		}
		read++
	}
	if err := reader.Err(); err != nil {
		return fmt.Errorf("torchwood: %w", err)
	}
	if read != tree.N {
		return fmt.Errorf("torchwood read %d of %d entries", read, tree.N)
	}
	fmt.Printf("torchwood read %d entries\n", read)
	return nil
}

// Tessera's fsck makes the tree anew from the entries and compares every tile.
func checkAll(ctx context.Context, base string, log note.Verifier, origin string) error {
	root, err := url.Parse(base)
	if err != nil {
		return err
	}
	fetcher, err := client.NewHTTPFetcher(root, http.DefaultClient)
	if err != nil {
		return err
	}
	hasher := func(bytes []byte) ([][]byte, error) {
		bundle := api.EntryBundle{}
		if err := bundle.UnmarshalText(bytes); err != nil {
			return nil, err
		}
		hashes := make([][]byte, 0, len(bundle.Entries))
		for _, entry := range bundle.Entries {
			hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
		}
		return hashes, nil
	}
	if err := fsck.New(origin, log, fetcher, hasher, fsck.Opts{N: 2}).Check(ctx); err != nil {
		return fmt.Errorf("tessera's fsck: %w", err)
	}
	fmt.Println("tessera's fsck found no fault")
	return nil
}

// golang.org/x/mod/sumdb/tlog checks proofs.
func checkProofs(checkpoint torchwood.Checkpoint) error {
	var made proofs
	if err := json.NewDecoder(os.Stdin).Decode(&made); err != nil {
		return err
	}
	for _, p := range made.Inclusion {
		if err := tlog.CheckRecord(p.Path, p.Size, p.Root, p.Index, p.Leaf); err != nil {
			return fmt.Errorf("inclusion of %d in %d: %w", p.Index, p.Size, err)
		}
	}
	for _, p := range made.Consistency {
		if err := tlog.CheckTree(p.Path, p.Size, p.Root, p.OldSize, p.OldRoot); err != nil {
			return fmt.Errorf("consistency of %d and %d: %w", p.OldSize, p.Size, err)
		}
		if p.Size == checkpoint.N && p.Root != checkpoint.Hash {
			return fmt.Errorf("the proof is of another root")
		}
	}
	fmt.Printf("tlog checked %d proofs\n", len(made.Inclusion)+len(made.Consistency))
	return nil
}

func sign(origin string) error {
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	log, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	witness, err := torchwood.NewCosignatureSigner("witness.example/go", key)
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: 7, Hash: tlog.RecordHash([]byte("any"))}
	text := torchwood.Checkpoint{Origin: origin, Tree: tree}.String()
	signed, err := note.Sign(&note.Note{Text: text}, log, witness)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{
		"vkey": vkey, "witness": witness.Verifier().String(), "note": string(signed),
	})
}
